{% set web = pillar.get('web', {}) %}
{DIR}/root/etc:
  file.directory:
    - mode: '0755'

site:
  file.managed:
    - name: {DIR}/root/etc/site.conf
    - source: salt://web/site.conf
    - template: jinja
    - mode: '0644'
    - require:
      - file: {DIR}/root/etc

enabled:
  file.symlink:
    - name: {DIR}/root/etc/enabled
    - target: site.conf
    - require:
      - file: site

reload:
  test.succeed_with_changes:
    - onchanges:
      - file: site
