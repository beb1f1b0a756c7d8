"""The channels of notifications: how a message gets to its receiver.

- `http`  webhooks, the hooks of chats, and the operator's own notification service
- `smtp`  e-mail

Guarantee: an attempt is one request or one mail, with a bound on time and on what is read of an answer; whatever goes
wrong is told as a code, which shows neither an address nor what a receiver wrote.
"""
