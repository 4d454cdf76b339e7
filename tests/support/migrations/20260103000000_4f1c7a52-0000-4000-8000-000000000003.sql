CREATE EXTENSION IF NOT EXISTS vector;
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA extensions;

CREATE TABLE public.notes (
  id UUID PRIMARY KEY DEFAULT extensions.uuid_generate_v4(),
  user_id UUID NOT NULL REFERENCES auth.users(id) ON DELETE CASCADE,
  title TEXT NOT NULL,
  embedding vector(3)
);
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY "Own notes" ON public.notes FOR ALL TO authenticated
  USING ((SELECT auth.uid()) = user_id) WITH CHECK ((SELECT auth.uid()) = user_id);
CREATE INDEX notes_embedding_idx ON public.notes USING hnsw (embedding vector_cosine_ops);
CREATE INDEX notes_title_trgm ON public.notes USING gin (title gin_trgm_ops);

CREATE OR REPLACE FUNCTION public.nearest_note(query vector(3))
RETURNS UUID LANGUAGE sql STABLE SET search_path = public
AS $$ SELECT id FROM notes ORDER BY embedding <=> query LIMIT 1 $$;

ALTER TABLE public.notes REPLICA IDENTITY FULL;
ALTER PUBLICATION supabase_realtime ADD TABLE public.notes;
