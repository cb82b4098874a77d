select email, firstname from {{ params.table }} where email = %s
