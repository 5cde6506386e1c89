//! Where log events go: standard output, files, syslog, HTTP.
