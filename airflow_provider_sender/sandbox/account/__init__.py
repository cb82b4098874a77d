"""The account behind every service the sandbox imitates: its people, campaigns and mails, in SQLite."""
