-- Shared by the statements on routing: which arm an answer belongs to, and the kind of question that it answers.

-- The arm that was assigned, whoever answered after a fallback; without a router, the agent with its adapter.
CREATE OR REPLACE MACRO arm_of(assigned_arm, agent, adapter) AS (
    coalesce(assigned_arm, CASE WHEN adapter IS NULL THEN agent ELSE agent || '@' || adapter END)
);

-- What was asked first in a conversation: its category is that of all its turns.
CREATE OR REPLACE MACRO first_question(prompt) AS list_filter(prompt, LAMBDA turn: turn.role = 'user')[1].content;
