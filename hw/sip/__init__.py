"""SIP trunk or registration: signalling in this process, media in its own."""
