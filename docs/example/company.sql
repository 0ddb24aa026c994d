CREATE TABLE customers (customer_id TEXT PRIMARY KEY, name TEXT, country TEXT, segment TEXT, since DATE);
CREATE TABLE orders (order_id TEXT PRIMARY KEY, customer_id TEXT REFERENCES customers(customer_id), product TEXT, ordered_on DATE, amount NUMERIC, status TEXT);
INSERT INTO customers VALUES
 ('C01','Bergfreunde Kiel','Germany','Retail','2019-03-01'),
 ('C02','Lotus Trail','Japan','Enterprise','2020-06-15'),
 ('C03','Cumbre Norte','Spain','Retail','2018-11-20'),
 ('C04','Fjellbutikken','Norway','Enterprise','2021-02-09'),
 ('C05','Kestrel Path','Germany','Enterprise','2017-09-30'),
 ('C06','Dune Supply','Spain','Retail','2022-05-05');
INSERT INTO orders VALUES
 ('O-101','C01','Cirrus Tent','2026-01-14',1167.00,'shipped'),
 ('O-102','C02','Larch Boot','2026-01-20',4390.00,'shipped'),
 ('O-103','C03','Alder Stove','2026-02-02',267.00,'shipped'),
 ('O-104','C05','Cirrus Tent','2026-02-11',3890.00,'shipped'),
 ('O-105','C04','Larch Boot','2026-02-27',2195.00,'returned'),
 ('O-106','C01','Alder Stove','2026-03-03',178.00,'shipped'),
 ('O-107','C05','Larch Boot','2026-03-19',6585.00,'shipped'),
 ('O-108','C06','Cirrus Tent','2026-04-08',778.00,'open'),
 ('O-109','C02','Cirrus Tent','2026-04-21',1945.00,'open'),
 ('O-110','C04','Alder Stove','2026-05-06',445.00,'open');
