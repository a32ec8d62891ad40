"""The server: OpenAI's and Anthropic's surfaces in front of any model. `api` says what they mean; here it is sent."""
