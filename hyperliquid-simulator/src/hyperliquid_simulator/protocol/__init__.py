"""How clients ask: HTTP and websocket, limits and failures. Imports everything but episodes."""
