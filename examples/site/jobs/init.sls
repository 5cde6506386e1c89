include:
  - accounts

rotate-logs:
  cron.present:
    - name: /usr/local/bin/site-rotate
    - identifier: site-rotate
    - user: ada
    - minute: 17
    - hour: 3
    - comment: rotate the site's logs
    - require:
      - user: user-ada

/usr/local/bin/site-rotate:
  file.managed:
    - makedirs: True
    - mode: '0755'
    - contents: |
        #!/bin/sh
        # Keeps seven days of logs.
        exec find /var/log/site -name '*.log' -mtime +7 -delete
