(function () {
  var form = document.getElementById('volta');
  form.endereco.value = location.href;
  history.replaceState(null, '', location.pathname);
  form.submit();
})();
