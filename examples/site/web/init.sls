{%- from 'web/map.jinja' import site with context %}

site-directories:
  file.directory:
    - names:
      - {{ site.config }}
      - {{ site.log }}
      - {{ site.root }}
    - makedirs: True
    - mode: '0755'

{{ site.config }}/site.conf:
  file.managed:
    - source: salt://web/files/site.conf.jinja
    - template: jinja
    - mode: '0644'
    - context:
        site: {{ site | json }}
    - require:
      - file: site-directories

# The first source that exists is taken: a file for this very minion, or the one for all.
{{ site.config }}/limits.conf:
  file.managed:
    - source:
      - salt://web/files/limits-{{ grains['id'] }}.conf
      - salt://web/files/limits.conf
    - require:
      - file: site-directories

{{ site.config }}/current.conf:
  file.symlink:
    - target: site.conf
    - require:
      - file: {{ site.config }}/site.conf

# On a real machine this is a service; it is reloaded when what it watches has changed.
reload-site:
  test.nop:
    - watch:
      - file: {{ site.config }}/site.conf
      - file: {{ site.config }}/limits.conf
