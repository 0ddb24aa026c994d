"""Tower as the tools of an agent: one list of tools, shown through MCP, LangChain and LlamaIndex."""
