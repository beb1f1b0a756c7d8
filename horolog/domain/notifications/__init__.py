"""Notifications of what became of jobs: the rules, what they make of facts, and how it is worded and sent. All pure.

- `rules`     what a tenant wants to hear of, and where to
- `targets`   where a channel leads, as it is encrypted
- `facts`     what there is to be told
- `fold`      facts and rules into deliveries: grouped, throttled, none told twice and none lost from the count
- `messages`  the document that is sent, and the words of it
- `wire`      the requests and mails of each kind of channel
- `deliveries` what was made of a rule, as its tenant sees it
- `mail`      the server that mails go through
- `attempts`  when a delivery is tried again, and when it is given up

Guarantee: nothing here knows a secret but `wire`, which is handed one for as long as a request is made.
"""
