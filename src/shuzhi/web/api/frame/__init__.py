"""What every resource stands on: asking, answering, paging, problems, description."""
