-- sqlite3 /etc/dovecot/users.sqlite < users.sql
CREATE TABLE users (
  user     VARCHAR(255) NOT NULL PRIMARY KEY,
  password VARCHAR(255) NOT NULL,
  host     VARCHAR(64)  NOT NULL,
  destuser VARCHAR(255) NOT NULL DEFAULT ''
);
INSERT INTO users VALUES ('joe@example.com', '{PLAIN}secret', '10.0.0.5', '');
INSERT INTO users VALUES ('jane@example.com', '{PLAIN}secret', '10.0.0.6', 'jane.doe');
