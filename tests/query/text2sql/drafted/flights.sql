CREATE TABLE airports (airport_code TEXT PRIMARY KEY, airport_name TEXT, city TEXT, country TEXT, elevation INTEGER);
INSERT INTO airports VALUES ('OSL', 'Gardermoen', 'Oslo', 'Norway', 208), ('BGO', 'Flesland', 'Bergen', 'Norway', 50),
  ('ARN', 'Arlanda', 'Stockholm', 'Sweden', 42);
CREATE TABLE airlines (airline_id INTEGER PRIMARY KEY, airline_name TEXT, country TEXT, fleet_size INTEGER);
INSERT INTO airlines VALUES (1, 'Nordwing', 'Norway', 30), (2, 'Svea Air', 'Sweden', 55), (3, 'Fjordfly', 'Norway', 8);
CREATE TABLE flights (flight_no TEXT PRIMARY KEY, airline_id INTEGER REFERENCES airlines (airline_id),
  origin TEXT REFERENCES airports (airport_code), destination TEXT REFERENCES airports (airport_code), price REAL,
  departure_date TEXT);
INSERT INTO flights VALUES ('NW1', 1, 'OSL', 'BGO', 90, '2024-05-01'), ('NW2', 1, 'BGO', 'OSL', 95, '2024-05-02'),
  ('SA1', 2, 'ARN', 'OSL', 120, '2024-06-01'), ('SA2', 2, 'OSL', 'ARN', 110, '2024-06-03'),
  ('NW3', 1, 'OSL', 'ARN', 130, '2024-06-09');
