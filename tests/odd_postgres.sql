CREATE SCHEMA sales;
CREATE SCHEMA "Odd Schema";
CREATE TYPE mood AS ENUM ('happy', 'sad');
CREATE TABLE customers (
  id serial PRIMARY KEY, name varchar(80) NOT NULL, "Home City" text, active boolean NOT NULL, joined date, tags text[],
  profile jsonb, raw json, feeling mood, balance numeric(12, 2), uid uuid DEFAULT gen_random_uuid(), photo bytea,
  updated timestamptz, span interval, address inet, code char(5), place point, price money, words tsvector,
  range int4range, matrix int[][], doc xml
);
INSERT INTO customers (name, "Home City", active, joined, tags, profile, raw, feeling, balance, photo, updated, span,
  address, code, place, price, words, range, matrix) VALUES
  ('Alder', 'Oslo', true, '2024-01-05', '{a,b}', '{"k": [1, null]}', '{"z": 1}', 'happy', 10.50, '\x00ff',
   '2026-01-02 03:04:05+00', '1 day', '10.0.0.1', 'ab', '(1,2)', '1.50', 'one two', '[1,5)', '{{1,2},{3,4}}'),
  ('Birch', 'Bergen', false, '2025-03-01', '{}', '{}', '[]', 'sad', 20.25, NULL, NULL, '2 hours', '::1', 'cd', NULL, NULL,
   NULL, NULL, NULL),
  ('Cedar', 'Oslo', true, '2025-11-20', NULL, NULL, NULL, 'happy', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL);
CREATE TABLE sales."order" (
  id serial PRIMARY KEY, customer_id int REFERENCES customers (id), "select" text, "group" int, placed timestamp,
  total numeric(10, 2), paid boolean
);
INSERT INTO sales."order" (customer_id, "select", "group", placed, total, paid) VALUES
  (1, 'x', 1, '2025-01-03 10:00', 100.00, true), (1, 'y', 2, '2025-02-03 11:00', 50.5, false),
  (2, 'z', 1, '2025-02-10 12:00', 75, true), (3, 'z', 1, '2026-01-10 12:00', 5, true);
CREATE TABLE sales.items (
  order_id int REFERENCES sales."order" (id), line int, product text, quantity int, price numeric(8, 2),
  PRIMARY KEY (order_id, line)
);
INSERT INTO sales.items VALUES
  (1, 1, 'tent', 2, 50), (2, 1, 'rope', 1, 50.5), (3, 1, 'stove', 3, 25), (4, 1, 'rope', 1, 5);
CREATE TABLE "Odd Schema"."Mixed Case" ("Key" int PRIMARY KEY, "The ""Value""" text);
INSERT INTO "Odd Schema"."Mixed Case" VALUES (1, 'one'), (2, 'two');
CREATE VIEW active_customers AS SELECT id, name FROM customers WHERE active;
