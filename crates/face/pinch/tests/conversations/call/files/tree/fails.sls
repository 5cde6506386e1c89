works:
  test.succeed_without_changes: []

fails:
  test.fail_without_changes: []

waits:
  test.nop:
    - require:
      - test: fails
