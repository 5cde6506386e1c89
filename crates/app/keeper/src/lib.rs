//! The supervisor: starts, watches, stops and adopts processes.
