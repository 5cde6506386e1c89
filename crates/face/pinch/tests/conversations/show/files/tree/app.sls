service:
  test.nop:
    - watch:
      - test: config

config:
  test.nop:
    - require:
      - test: package
    - contnets: a typing mistake

package:
  test.nop:
    - order: first
