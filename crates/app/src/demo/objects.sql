-- What is made after the rows: indexes, views, and the trigger that a later update of an order would set off.
CREATE UNIQUE INDEX addresses_one_billing ON addresses(customer_id) WHERE kind = 'billing';
CREATE INDEX addresses_customer ON addresses(customer_id);
CREATE INDEX customers_email_lower ON customers(lower(email));
CREATE INDEX customers_name ON customers(name COLLATE NOCASE);
CREATE INDEX products_category ON products(category_id);
CREATE INDEX orders_customer ON orders(customer_id);
CREATE INDEX orders_recent ON orders(created_at DESC);
CREATE INDEX orders_open ON orders(customer_id, created_at) WHERE status <> 'done';
CREATE INDEX order_items_product ON order_items(product_id);
CREATE INDEX payments_order ON payments(order_id);
CREATE INDEX reviews_product ON reviews(product_id, rating DESC);
CREATE INDEX "events by group" ON events("group", happened_at DESC);
CREATE INDEX audit_log_object ON audit_log(object, object_id);

CREATE VIEW open_orders AS
  SELECT o.id, o.created_at, c.name AS customer
  FROM orders o JOIN customers c ON c.id = o.customer_id
  WHERE o.status <> 'done';

CREATE VIEW customer_turnover AS
  SELECT o.customer_id, count(DISTINCT o.id) AS orders, sum(i.quantity * i.unit_cents) AS cents
  FROM orders o JOIN order_items i ON i.order_id = o.id
  GROUP BY o.customer_id;

CREATE VIEW product_overview AS
  SELECT p.id, p.title || ' (' || p.sku || ')' AS label, coalesce(c.name, 'none') AS category
  FROM products p LEFT JOIN categories c ON c.id = p.category_id;

CREATE TRIGGER orders_status_audit AFTER UPDATE OF status ON orders
BEGIN
  INSERT INTO audit_log (at, who, action, object, object_id)
  VALUES (datetime('now'), 'trigger', 'status ' || old.status || ' to ' || new.status, 'order', new.id);
END;
