CREATE TABLE Shippers (ShipperID INTEGER PRIMARY KEY, CompanyName TEXT, Phone TEXT);
INSERT INTO Shippers VALUES (1, 'Fast Freight', '555-1'), (2, 'Slow Boat', '555-2');
CREATE TABLE Customers (CustomerID TEXT PRIMARY KEY, CompanyName TEXT, City TEXT, Country TEXT);
INSERT INTO Customers VALUES ('ALPHA', 'Alpha Stores', 'Oslo', 'Norway'), ('BRAVO', 'Bravo Foods', 'Bergen', 'Norway'),
  ('CHARL', 'Charlie Ltd', 'Lund', 'Sweden');
CREATE TABLE Employees (EmployeeID INTEGER PRIMARY KEY, FirstName TEXT, LastName TEXT, HireDate TEXT);
INSERT INTO Employees VALUES (1, 'Ada', 'Berg', '2020-01-05'), (2, 'Bo', 'Dahl', '2022-03-01');
CREATE TABLE Orders (OrderID INTEGER PRIMARY KEY, CustomerID TEXT REFERENCES Customers (CustomerID),
  EmployeeID INTEGER REFERENCES Employees (EmployeeID), OrderDate TEXT, ShipVia INTEGER REFERENCES Shippers (ShipperID),
  Freight REAL);
INSERT INTO Orders VALUES (101, 'ALPHA', 1, '2024-01-10', 1, 12.5), (102, 'ALPHA', 1, '2024-01-20', 1, 3),
  (103, 'BRAVO', 2, '2024-02-02', 2, 40), (104, 'CHARL', 1, '2024-02-20', 1, 7), (105, 'ALPHA', 2, '2024-03-01', 2, 1);
CREATE TABLE Products (ProductID INTEGER PRIMARY KEY, ProductName TEXT, UnitPrice REAL, UnitsInStock INTEGER);
INSERT INTO Products VALUES (1, 'Cheese', 10, 5), (2, 'Herring', 20, 0), (3, 'Crispbread', 4, 50);
CREATE TABLE "Order Details" (OrderID INTEGER REFERENCES Orders (OrderID), ProductID INTEGER REFERENCES Products (ProductID),
  Quantity INTEGER, PRIMARY KEY (OrderID, ProductID));
INSERT INTO "Order Details" VALUES (101, 1, 2), (101, 3, 10), (102, 2, 1), (103, 1, 4), (104, 3, 5), (105, 1, 1);
