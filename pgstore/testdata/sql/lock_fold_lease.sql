-- either layout
SELECT FROM "messages".smsplus_lease WHERE task = 'fold' FOR UPDATE
