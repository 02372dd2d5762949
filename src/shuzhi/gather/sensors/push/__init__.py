"""Push: messages in JSON over HTTP and MQTT, through the same spool as frames.

A message is one record of a contracted data set, or a list of them. It is acknowledged when it is
on the disk; whether its rows keep their contract is judged when they land.
"""
