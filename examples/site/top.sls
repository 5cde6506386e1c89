# Which states apply to which minion. `*` is every minion.
base:
  '*':
    - accounts
    - web
    - content
    - jobs
