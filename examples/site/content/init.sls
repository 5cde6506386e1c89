{%- from 'web/map.jinja' import site with context %}

include:
  - web

# A checkout of the repository that lies beside this file as a bundle.
site-content:
  git.latest:
    - name: salt://content/content.bundle
    - target: {{ site.root }}/content
    - rev: main
    - require:
      - file: site-directories

site-theme:
  archive.extracted:
    - name: {{ site.root }}/theme
    - source: salt://content/theme.tar.gz
    - enforce_toplevel: False
    - require:
      - file: site-directories
