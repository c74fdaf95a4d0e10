"""A live LibreOffice Calc behind xlwings, so that the ribbon's own functions run in the tests.

`office` starts it; `engine` is the product's engine with a person's answers prepared and every
call counted.
"""
