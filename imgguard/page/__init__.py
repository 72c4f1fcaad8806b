"""The local web page: look, decide, publish. Only `imgguard page` imports it; it needs the extra `page`."""
