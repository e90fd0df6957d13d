"""A SIP line (trunk, registered account or plain peer): `line` is the way in.

- Settings: `settings`.
- Signalling, in this process. With I/O: `phone` (pyVoIP's, with our core inside) and
  `transport` (the UDP socket). Without: `endpoint` owns `call` and `registration`,
  answers through `inbound`, and keeps each `transaction` (our requests) and `server`
  (theirs). `stack` is what these know of each other; `dialog`, `digest` and
  `disposition` serve them.
- What signalling writes on the wire: `message`, `address`, `identity`, `sdp`.
- Media, in a process of its own: `media` is its loop, `pacing` its clock, `stream` one
  call's sound, made of `rtp`, `jitter`, `concealment`, `playout`, `g711` and
  `telephone_event`. `media_client` starts it and talks to it in the bytes of `media_wire`.
"""
