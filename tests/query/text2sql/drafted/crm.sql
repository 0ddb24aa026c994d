CREATE TABLE customers (customer_id TEXT PRIMARY KEY, name TEXT, country TEXT, signed_up DATE);
INSERT INTO customers VALUES ('C1', 'Alphaline', 'Norway', '2023-04-02'), ('C2', 'Bluecorp', 'Japan', '2024-01-15'),
  ('C3', 'Corvo', 'Norway', '2024-11-30');
CREATE TABLE visits (visit_id INTEGER PRIMARY KEY, customer_id TEXT REFERENCES customers (customer_id), checked_in DATE);
INSERT INTO visits VALUES (1, 'C1', '2024-02-01'), (2, 'C1', '2025-03-01'), (3, 'C3', '2025-05-05');
CREATE TABLE tickets (ticket_id INTEGER PRIMARY KEY, customer_id TEXT REFERENCES customers (customer_id), category TEXT);
INSERT INTO tickets VALUES (1, 'C1', 'Billing'), (2, 'C2', 'Billing'), (3, 'C2', 'Delivery');
