"""The city in the browser: one offline page that holds the model itself.

In: scenarios and cities. Out: an HTML file. Its sources in JavaScript are in `web`, what is built of them in `built`.
"""
