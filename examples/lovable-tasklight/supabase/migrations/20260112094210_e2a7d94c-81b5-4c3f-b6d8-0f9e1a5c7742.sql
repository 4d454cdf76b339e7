-- Create enum for task priority
CREATE TYPE public.task_priority AS ENUM ('low', 'normal', 'high');

-- Create lists table
CREATE TABLE public.lists (
  id UUID NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
  owner_id UUID NOT NULL DEFAULT auth.uid() REFERENCES public.profiles(id) ON DELETE CASCADE,
  name TEXT NOT NULL CHECK (char_length(name) BETWEEN 1 AND 80),
  color TEXT NOT NULL DEFAULT 'fern',
  created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now()
);

-- Create list_shares table
CREATE TABLE public.list_shares (
  id UUID NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
  list_id UUID NOT NULL REFERENCES public.lists(id) ON DELETE CASCADE,
  email TEXT NOT NULL CHECK (email = lower(email)),
  invited_by UUID NOT NULL DEFAULT auth.uid() REFERENCES public.profiles(id) ON DELETE CASCADE,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
  UNIQUE (list_id, email)
);

-- Create tasks table
CREATE TABLE public.tasks (
  id UUID NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
  list_id UUID NOT NULL REFERENCES public.lists(id) ON DELETE CASCADE,
  created_by UUID NOT NULL DEFAULT auth.uid() REFERENCES public.profiles(id) ON DELETE CASCADE,
  title TEXT NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
  priority public.task_priority NOT NULL DEFAULT 'normal',
  due_on DATE,
  is_done BOOLEAN NOT NULL DEFAULT false,
  completed_at TIMESTAMP WITH TIME ZONE,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now()
);

CREATE INDEX idx_lists_owner_id ON public.lists(owner_id);
CREATE INDEX idx_list_shares_email ON public.list_shares(email);
CREATE INDEX idx_tasks_list_id ON public.tasks(list_id);
CREATE INDEX idx_tasks_due_on ON public.tasks(due_on) WHERE NOT is_done;

-- Enable Row Level Security
ALTER TABLE public.lists ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.list_shares ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.tasks ENABLE ROW LEVEL SECURITY;

-- Security definer functions to avoid infinite recursion in policies
CREATE OR REPLACE FUNCTION public.is_list_owner(_list_id UUID, _user_id UUID)
RETURNS BOOLEAN
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = public
AS $$
  SELECT EXISTS (
    SELECT 1 FROM public.lists
    WHERE id = _list_id AND owner_id = _user_id
  )
$$;

CREATE OR REPLACE FUNCTION public.is_list_member(_list_id UUID, _user_id UUID)
RETURNS BOOLEAN
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = public
AS $$
  SELECT EXISTS (
    SELECT 1
    FROM public.list_shares s
    JOIN auth.users u ON lower(u.email) = s.email
    WHERE s.list_id = _list_id
      AND u.id = _user_id
      AND u.email_confirmed_at IS NOT NULL
  )
$$;

CREATE OR REPLACE FUNCTION public.shares_a_list_with(_profile_id UUID, _user_id UUID)
RETURNS BOOLEAN
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = public
AS $$
  SELECT EXISTS (
    SELECT 1
    FROM public.list_shares s
    JOIN public.lists l ON l.id = s.list_id
    JOIN auth.users u ON lower(u.email) = s.email
    WHERE (l.owner_id = _profile_id OR u.id = _profile_id)
      AND (public.is_list_owner(l.id, _user_id) OR public.is_list_member(l.id, _user_id))
  )
$$;

-- Lists policies
CREATE POLICY "Owners and members can view lists"
ON public.lists
FOR SELECT
TO authenticated
USING (owner_id = auth.uid() OR public.is_list_member(id, auth.uid()));

CREATE POLICY "Users can create their own lists"
ON public.lists
FOR INSERT
TO authenticated
WITH CHECK (owner_id = auth.uid());

CREATE POLICY "Owners can update their lists"
ON public.lists
FOR UPDATE
TO authenticated
USING (owner_id = auth.uid())
WITH CHECK (owner_id = auth.uid());

CREATE POLICY "Owners can delete their lists"
ON public.lists
FOR DELETE
TO authenticated
USING (owner_id = auth.uid());

-- List shares policies
CREATE POLICY "Owners and invited people can view shares"
ON public.list_shares
FOR SELECT
TO authenticated
USING (public.is_list_owner(list_id, auth.uid()) OR email = lower(auth.jwt() ->> 'email'));

CREATE POLICY "Owners can share their lists"
ON public.list_shares
FOR INSERT
TO authenticated
WITH CHECK (public.is_list_owner(list_id, auth.uid()) AND invited_by = auth.uid());

CREATE POLICY "Owners can stop sharing and members can leave"
ON public.list_shares
FOR DELETE
TO authenticated
USING (public.is_list_owner(list_id, auth.uid()) OR email = lower(auth.jwt() ->> 'email'));

-- Tasks policies
CREATE POLICY "Owners and members can view tasks"
ON public.tasks
FOR SELECT
TO authenticated
USING (public.is_list_owner(list_id, auth.uid()) OR public.is_list_member(list_id, auth.uid()));

CREATE POLICY "Owners and members can create tasks"
ON public.tasks
FOR INSERT
TO authenticated
WITH CHECK (
  created_by = auth.uid()
  AND (public.is_list_owner(list_id, auth.uid()) OR public.is_list_member(list_id, auth.uid()))
);

CREATE POLICY "Owners and members can update tasks"
ON public.tasks
FOR UPDATE
TO authenticated
USING (public.is_list_owner(list_id, auth.uid()) OR public.is_list_member(list_id, auth.uid()))
WITH CHECK (public.is_list_owner(list_id, auth.uid()) OR public.is_list_member(list_id, auth.uid()));

CREATE POLICY "Owners and authors can delete tasks"
ON public.tasks
FOR DELETE
TO authenticated
USING (
  public.is_list_owner(list_id, auth.uid())
  OR (created_by = auth.uid() AND public.is_list_member(list_id, auth.uid()))
);

-- People who share a list can see each other's profile
CREATE POLICY "People who share a list can view each other"
ON public.profiles
FOR SELECT
TO authenticated
USING (public.shares_a_list_with(id, auth.uid()));

-- Keep completed_at in step with is_done
CREATE OR REPLACE FUNCTION public.set_task_completed_at()
RETURNS TRIGGER
LANGUAGE plpgsql
SET search_path = public
AS $$
BEGIN
  IF NEW.is_done AND NEW.completed_at IS NULL THEN
    NEW.completed_at = now();
  ELSIF NOT NEW.is_done THEN
    NEW.completed_at = NULL;
  END IF;
  RETURN NEW;
END;
$$;

CREATE TRIGGER set_tasks_completed_at
BEFORE INSERT OR UPDATE ON public.tasks
FOR EACH ROW
EXECUTE FUNCTION public.set_task_completed_at();

CREATE TRIGGER update_lists_updated_at
BEFORE UPDATE ON public.lists
FOR EACH ROW
EXECUTE FUNCTION public.update_updated_at_column();

CREATE TRIGGER update_tasks_updated_at
BEFORE UPDATE ON public.tasks
FOR EACH ROW
EXECUTE FUNCTION public.update_updated_at_column();
