"""The record of QMP messages: kept, searched, saved and replayed."""
