"""A live LibreOffice Calc behind xlwings, so that the ribbon's own functions run in the tests.

`office` starts it and finds UNO; `engine` is an xlwings engine with just the calls that xltool
makes, and with Excel's rules where Calc's differ (locked cells refuse, typed text is converted).
"""
