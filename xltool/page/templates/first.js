// Old browsers read this far: one sentence instead of a page that does nothing.
(function () {
  var missing = function () {
    if (!window.Worker || !window.Blob || !window.WebAssembly || !window.DecompressionStream) return true;
    // A function that throws and catches, as Python in the browser does.
    var code = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 8, 1, 6, 0, 6, 64, 25, 11, 11];
    try { return !WebAssembly.validate(new Uint8Array(code)); } catch (error) { return true; }
  };
  window.xltoolTooOld = missing();
  if (window.xltoolTooOld) document.getElementById("old").removeAttribute("hidden");
})();
