Attribute VB_Name = "Launcher"
Option Explicit
' Starts Python without cmd.exe. The interpreter comes from a file of this user that
' "xltool addin install" wrote (UTF-16, one line), never from a workbook.

Public Function Interpreter() As String
    Dim shell As Object, path As String
    Set shell = CreateObject("WScript.Shell")
    path = shell.ExpandEnvironmentStrings("%APPDATA%") & "\xltool\python.txt"
    Interpreter = CreateObject("Scripting.FileSystemObject").OpenTextFile(path, 1, False, -1).ReadLine()
    If AscW(Interpreter) = &HFEFF Then Interpreter = Mid$(Interpreter, 2)
End Function

Public Function CommandLine(ByVal python As String, ByVal button As String, _
                            ByVal book As String, ByVal hwnd As String) As String
    CommandLine = """" & python & """ -I -B -m xltool.excel " & button & _
        " --book """ & Escaped(book) & """ --hwnd " & hwnd
End Function

' No quoting rules to get wrong: what is not plain goes as *XXXX (UTF-16 in hex; no file name
' holds a *). So neither quotes nor %NAME%, which WScript.Shell.Run expands, can do anything.
Public Function Escaped(ByVal text As String) As String
    Dim i As Long, one As String
    For i = 1 To Len(text)
        one = Mid$(text, i, 1)
        If InStr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ._-", one) = 0 Then
            one = "*" & Right$("000" & Hex$(AscW(one) And &HFFFF&), 4)
        End If
        Escaped = Escaped & one
    Next
End Function

Public Sub Start(ByVal command As String)
    CreateObject("WScript.Shell").Run command, 1, False
End Sub
