-- Messages of conversations are told to whoever looks at the conversation, as changes of records are.
set local role freehold_platform;
create function base44.announce_message() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  written bigint;
begin
  insert into base44.change (entity, kind, record_id, record)
    values ('agents/conversation', 'message', new.id, new.messages -> -1)
    returning id into written;
  perform pg_notify('base44_change', written::text);
  return null;
end
$$;
revoke execute on function base44.announce_message() from public;
create trigger announce after update of messages on base44.conversation
  for each row when (new.messages <> '[]') execute function base44.announce_message();
create index conversation_created_by_id_idx on base44.conversation (created_by_id, updated_date);
reset role;
