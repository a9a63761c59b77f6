import LockstepPlatform

/// This host's name, with characters that file names give a meaning replaced.
package let hostName: String = {
  var name = utsname()
  guard uname(&name) == 0 else { return "unknown" }
  let text = withUnsafeBytes(of: &name.nodename) { bytes in
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
  return text.isEmpty ? "unknown" : String(text.map { $0 == "@" || $0 == "/" ? "-" : $0 })
}()
