"""The appliance: whom to call, the call itself, what to say, what came of it."""
