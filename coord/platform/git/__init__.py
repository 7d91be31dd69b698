"""Git: find a repository, run git in it, and edit its `info/exclude`. Nothing here knows about claims."""
