"""Numbers from elsewhere: tables, spreadsheets, and the arrays that frameworks save."""
