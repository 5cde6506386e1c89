# What this machine is told: data, kept apart from the states that use it.
site:
  domain: example.org
  listen: 8080
  workers: 4
  admins:
    - ada
    - grace
  users:
    ada:
      uid: 2001
      fullname: Ada Lovelace
    grace:
      uid: 2002
      fullname: Grace Hopper
      shell: /bin/sh
  redirects:
    /blog: https://blog.example.org
    /old: /new
