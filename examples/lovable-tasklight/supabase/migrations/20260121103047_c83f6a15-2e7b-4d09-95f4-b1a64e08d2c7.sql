-- Numbers for the overview, under the caller's own row security
CREATE OR REPLACE FUNCTION public.get_task_stats()
RETURNS TABLE (open_count BIGINT, done_count BIGINT, overdue_count BIGINT)
LANGUAGE sql
STABLE
SET search_path = public
AS $$
  SELECT
    count(*) FILTER (WHERE NOT is_done),
    count(*) FILTER (WHERE is_done),
    count(*) FILTER (WHERE NOT is_done AND due_on < CURRENT_DATE)
  FROM public.tasks
$$;

-- Remove the completed tasks of a list and say how many there were
CREATE OR REPLACE FUNCTION public.clear_completed(_list_id UUID)
RETURNS INTEGER
LANGUAGE plpgsql
SET search_path = public
AS $$
DECLARE
  removed INTEGER;
BEGIN
  DELETE FROM public.tasks WHERE list_id = _list_id AND is_done;
  GET DIAGNOSTICS removed = ROW_COUNT;
  RETURN removed;
END;
$$;

GRANT EXECUTE ON FUNCTION public.get_task_stats() TO authenticated;
GRANT EXECUTE ON FUNCTION public.clear_completed(UUID) TO authenticated;

-- Enable realtime for tasks
ALTER TABLE public.tasks REPLICA IDENTITY FULL;
ALTER PUBLICATION supabase_realtime ADD TABLE public.tasks;
