-- The legacy shop as its database grew: no foreign keys enforced, loose types, odd names.
CREATE TABLE settings (
  key TEXT PRIMARY KEY,
  value,
  changed_at TEXT DEFAULT (datetime('now'))
) WITHOUT ROWID;

CREATE TABLE customers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name VARCHAR(80) NOT NULL,
  email TEXT,
  phone VARCHAR(30),
  birthday DATE,
  newsletter BOOLEAN NOT NULL DEFAULT 0,
  credit DECIMAL(10,2) DEFAULT 0,
  notes TEXT,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE addresses (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers(id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('billing', 'shipping')),
  street TEXT NOT NULL,
  zip TEXT,
  city TEXT NOT NULL,
  country CHAR(2) NOT NULL DEFAULT 'DE'
);

CREATE TABLE suppliers (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  contact TEXT,
  country CHAR(2),
  rating REAL
);

CREATE TABLE categories (
  id INTEGER PRIMARY KEY,
  parent_id INTEGER REFERENCES categories(id),
  name TEXT NOT NULL,
  position INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE products (
  id INTEGER PRIMARY KEY,
  sku TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  category_id INTEGER REFERENCES categories(id),
  supplier_id INTEGER REFERENCES suppliers(id) ON DELETE SET NULL,
  price DECIMAL(10,2) NOT NULL CHECK (price >= 0),
  weight REAL,
  active BOOLEAN NOT NULL DEFAULT 1,
  description TEXT
);

CREATE TABLE tags (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL COLLATE NOCASE UNIQUE
);

CREATE TABLE product_tags (
  product_id INTEGER NOT NULL REFERENCES products(id) ON DELETE CASCADE,
  tag_id INTEGER NOT NULL REFERENCES tags(id),
  PRIMARY KEY (product_id, tag_id)
);

CREATE TABLE price_history (
  product_id INTEGER NOT NULL REFERENCES products(id),
  changed_at DATETIME NOT NULL,
  old_price DECIMAL(12,4),
  new_price DECIMAL(12,4) NOT NULL,
  currency CHAR(3) NOT NULL DEFAULT 'EUR',
  PRIMARY KEY (product_id, changed_at)
);

CREATE TABLE warehouses (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  city TEXT
);

CREATE TABLE stock (
  warehouse_id INTEGER NOT NULL REFERENCES warehouses(id),
  product_id INTEGER NOT NULL REFERENCES products(id),
  quantity INTEGER NOT NULL DEFAULT 0,
  "order" INTEGER,
  counted_at TEXT,
  PRIMARY KEY (warehouse_id, product_id)
);

CREATE TABLE orders (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  customer_id INTEGER NOT NULL REFERENCES customers(id),
  status TEXT NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'paid', 'shipped', 'done', 'cancelled')),
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  shipped_at DATETIME,
  comment TEXT
);

CREATE TABLE order_items (
  order_id INTEGER NOT NULL REFERENCES orders(id) ON DELETE CASCADE,
  line INTEGER NOT NULL,
  product_id INTEGER NOT NULL REFERENCES products(id),
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  unit_cents INTEGER NOT NULL,
  total_cents INTEGER GENERATED ALWAYS AS (quantity * unit_cents) STORED,
  PRIMARY KEY (order_id, line)
);

CREATE TABLE payments (
  id INTEGER PRIMARY KEY,
  order_id INTEGER NOT NULL REFERENCES orders(id),
  method TEXT NOT NULL,
  amount DECIMAL(10,2) NOT NULL,
  settled BOOLEAN,
  paid_at INTEGER
);

CREATE TABLE invoices (
  number TEXT PRIMARY KEY NOT NULL,
  order_id INTEGER NOT NULL UNIQUE REFERENCES orders(id),
  issued DATE NOT NULL,
  due DATE,
  printed_at TEXT DEFAULT (datetime('now'))
);

CREATE TABLE departments (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  head_id INTEGER REFERENCES employees(id)
);

CREATE TABLE employees (
  id INTEGER PRIMARY KEY,
  department_id INTEGER NOT NULL REFERENCES departments(id),
  manager_id INTEGER REFERENCES employees(id),
  name TEXT NOT NULL,
  email TEXT UNIQUE,
  salary DECIMAL(10,2),
  hired DATE
);

CREATE TABLE reviews (
  id INTEGER PRIMARY KEY,
  product_id INTEGER NOT NULL REFERENCES products(id),
  customer_id INTEGER REFERENCES customers(id),
  rating INTEGER CHECK (rating BETWEEN 1 AND 5),
  title TEXT,
  body TEXT,
  created_at DATETIME DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE "Coupon Codes" (
  code TEXT PRIMARY KEY,
  percent INTEGER NOT NULL CHECK (percent BETWEEN 1 AND 100),
  "valid for ""new"" customers" BOOLEAN NOT NULL DEFAULT 0,
  "until" DATE
);

CREATE TABLE sessions (
  id TEXT PRIMARY KEY NOT NULL,
  customer_id INTEGER REFERENCES customers(id),
  started_at DATETIME NOT NULL,
  user_agent TEXT,
  data BLOB
);

CREATE TABLE attachments (
  id INTEGER PRIMARY KEY,
  review_id INTEGER REFERENCES reviews(id) ON DELETE CASCADE,
  file_name TEXT NOT NULL,
  media_type TEXT NOT NULL DEFAULT 'application/octet-stream',
  content BLOB
);

CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  "group" TEXT NOT NULL,
  name TEXT NOT NULL,
  payload TEXT,
  happened_at TEXT NOT NULL
);

CREATE TABLE audit_log (
  at TEXT,
  who TEXT,
  action TEXT,
  object TEXT,
  object_id INTEGER
);

CREATE TABLE calendar (
  day TEXT PRIMARY KEY NOT NULL,
  printed DATE,
  week INTEGER NOT NULL,
  "open" BOOLEAN NOT NULL,
  holiday TEXT
);

CREATE TABLE legacy_import (
  id INTEGER PRIMARY KEY,
  "Customer No." TEXT,
  "select" TEXT,
  amount NUMERIC,
  quantity INTEGER,
  remark TEXT,
  memo TEXT,
  raw
);
