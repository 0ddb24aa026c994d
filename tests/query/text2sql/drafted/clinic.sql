CREATE TABLE departments (department_id INTEGER PRIMARY KEY, department_name TEXT, floor INTEGER);
INSERT INTO departments VALUES (1, 'Cardiology', 2), (2, 'Oncology', 3);
CREATE TABLE doctors (doctor_id INTEGER PRIMARY KEY, name TEXT, salary REAL, department_id INTEGER,
  FOREIGN KEY (department_id) REFERENCES departments (department_id));
INSERT INTO doctors VALUES (1, 'Ines Moreau', 9000, 1), (2, 'Jon Falk', 7000, 1), (3, 'Kim Aas', 8000, 2);
CREATE TABLE patients (patient_id INTEGER PRIMARY KEY, name TEXT, gender TEXT, birth_date TEXT);
INSERT INTO patients VALUES (1, 'Lea Holm', 'F', '1980-05-01'), (2, 'Max Ruud', 'M', '1991-02-03'),
  (3, 'Nora Lie', 'F', '1975-11-30');
CREATE TABLE appointments (appointment_id INTEGER PRIMARY KEY, patient_id INTEGER, doctor_id INTEGER,
  appointment_date TEXT, status TEXT, fee REAL, FOREIGN KEY (patient_id) REFERENCES patients (patient_id),
  FOREIGN KEY (doctor_id) REFERENCES doctors (doctor_id));
INSERT INTO appointments VALUES (1, 1, 1, '2024-01-15', 'completed', 100), (2, 1, 1, '2024-02-15', 'completed', 150),
  (3, 2, 3, '2024-02-20', 'cancelled', 80), (4, 2, 1, '2024-03-01', 'completed', 120);
