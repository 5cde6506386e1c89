service:
  test.nop:
    - watch:
      - file: config

config:
  file.managed:
    - name: {DIR}/root/app.conf
    - contnets: a typing mistake
    - require:
      - test: package

package:
  test.nop:
    - order: first
