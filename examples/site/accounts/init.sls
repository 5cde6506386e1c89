# Groups and users, one for each entry in pillar.
{%- set site = salt['pillar.get']('site', {}) %}

site-group:
  group.present:
    - name: site
    - gid: 2000

{%- for name, user in site.get('users', {}).items() %}

user-{{ name }}:
  user.present:
    - name: {{ name }}
    - uid: {{ user.uid }}
    - gid: 2000
    - fullname: {{ user.fullname }}
    - home: /home/{{ name }}
    - shell: {{ user.get('shell', '/bin/bash') }}
    - require:
      - group: site-group

/home/{{ name }}/.profile:
  file.managed:
    - source: salt://accounts/files/profile
    - template: jinja
    - user: {{ name }}
    - group: site
    - mode: '0640'
    - context:
        fullname: {{ user.fullname }}
    - require:
      - user: user-{{ name }}
{%- endfor %}
