/*
# Growing tips

1. New Tables
   - `growing_tips`: short texts that everybody may read; the Django server reads them as well
2. Security
   - row level security is on; everybody may read
*/

CREATE TABLE IF NOT EXISTS growing_tips (
  id bigserial PRIMARY KEY,
  text text NOT NULL
);

ALTER TABLE growing_tips ENABLE ROW LEVEL SECURITY;

CREATE POLICY "Anyone can read tips" ON growing_tips FOR SELECT TO anon, authenticated USING (true);

INSERT INTO growing_tips (text) VALUES ('Label every packet with the year.'), ('Keep seeds dry and dark.');
