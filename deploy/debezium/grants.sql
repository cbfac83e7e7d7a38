-- mariadb -u root florin < deploy/debezium/grants.sql
-- Debezium reads the binary log of the whole server and, when it starts for the first time, the columns of one table.
CREATE USER debezium@'%' IDENTIFIED BY 'change-me';
GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO debezium@'%';
GRANT SELECT ON payment_outbox TO debezium@'%';
