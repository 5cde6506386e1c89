//! No request fails while instances and routers come and go.
