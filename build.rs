//! Sets the SONAME of the plain cdylib and, with the feature `header`, generates the headers.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libnetns.so.1");
    #[cfg(feature = "header")]
    header::write();
}

#[cfg(feature = "header")]
mod header {
    use std::env;
    use std::path::Path;

    use cbindgen::{Builder, Config, ItemType};

    /// The environment variable with the path of the generated netns.h; netns-iproute2.h is written beside
    /// it.
    const DESTINATION: &str = "NETNS_HEADER_OUT";

    /// The opaque types, which every section may use.
    const TYPES: &str = "types";

    /// The sections of netns.h in order, and the source files that each is generated from.
    const SECTIONS: &[(&str, &[&str])] = &[
        ("Lifecycle", &["lifecycle"]),
        ("Identity", &["identity"]),
        ("The calling thread", &["thread"]),
        ("Listing", &["listing"]),
        ("Processes", &["processes"]),
        ("What refers to a network namespace", &["holders"]),
        ("Sysctls", &["sysctl"]),
        ("Nsids of peer network namespaces", &["ids"]),
        ("Interfaces", &["links", "link_list"]),
        ("Addresses", &["addresses"]),
        ("Routes", &["routes"]),
        ("Monitor", &["monitor"]),
        ("Programs", &["programs"]),
        ("Version and errors", &["errors"]),
    ];

    pub fn write() {
        println!("cargo::rerun-if-changed=src");
        println!("cargo::rerun-if-changed=cbindgen.toml");
        println!("cargo::rerun-if-changed=cbindgen-iproute2.toml");
        println!("cargo::rerun-if-env-changed={DESTINATION}");
        let destination = env::var(DESTINATION).unwrap_or_else(|_| {
            panic!("the feature `header` needs {DESTINATION}=FILE; use `make header`")
        });
        let destination = Path::new(&destination);
        write_netns(destination);
        write_iproute2(&destination.with_file_name("netns-iproute2.h"));
    }

    fn write_netns(destination: &Path) {
        let config = Config::from_file("cbindgen.toml").expect("cbindgen.toml");
        let mut body = banner("Types") + &opaque_types(&config);
        for (title, files) in SECTIONS {
            body += &banner(title);
            body += &with_initialisers(&section(&config, files));
        }
        write_frame(config, &body, destination);
    }

    fn write_iproute2(destination: &Path) {
        let name = "cbindgen-iproute2.toml";
        let config = Config::from_file(name).expect(name);
        let body = format!("\n{}", generate(Builder::new(), &config, &["iproute2"]));
        write_frame(config, &body, destination);
    }

    fn opaque_types(config: &Config) -> String {
        let mut config = config.clone();
        config.export.item_types = vec![ItemType::OpaqueItems];
        // All of them are renamed, and no function of this section uses one.
        let mut types: Vec<_> = config.export.rename.keys().cloned().collect();
        types.sort();
        config.export.include = types;
        generate(Builder::new(), &config, &[TYPES])
    }

    /// Constants, structs and functions. cbindgen knows the opaque types, so that it writes them with `struct`, but
    /// does not declare them again.
    fn section(config: &Config, files: &[&str]) -> String {
        let mut config = config.clone();
        config.export.item_types =
            vec![ItemType::Constants, ItemType::Structs, ItemType::Functions];
        generate(Builder::new().with_src(source(TYPES)), &config, files)
    }

    /// The output of cbindgen for the files, without header, include guard and includes.
    fn generate(builder: Builder, config: &Config, files: &[&str]) -> String {
        let mut config = config.clone();
        config.header = None;
        config.include_guard = None;
        config.sys_includes.clear();
        config.after_includes = None;
        let mut text = Vec::new();
        files
            .iter()
            .fold(builder, |builder, file| builder.with_src(source(file)))
            .with_config(config)
            .generate()
            .expect("src/ holds what cbindgen can write as C")
            .write(&mut text);
        tidied(&String::from_utf8(text).expect("a header is UTF-8"))
    }

    fn source(file: &str) -> String {
        format!("src/{file}.rs")
    }

    fn banner(title: &str) -> String {
        let dashes = "-".repeat(88 - title.len());
        format!("\n/* --- {title} {dashes} */\n\n")
    }

    /// Puts negative values in parentheses, as in any macro of more than one token, and a function's attribute on
    /// a separate line, so that tools that look for declarations can ignore it.
    fn tidied(text: &str) -> String {
        let line = |line: &str| match (line.split_once(" -"), line.split_once("NETNS_NODISCARD ")) {
            (Some((name, value)), _) if line.starts_with("#define ") => {
                format!("{name} (-{value})\n")
            }
            (_, Some(("", function))) => format!("NETNS_NODISCARD\n{function}\n"),
            _ => format!("{line}\n"),
        };
        text.lines().map(line).collect()
    }

    /// Adds NETNS_..._INIT after each struct that begins with its size. The macro sets the size, and everything else
    /// to zero. It has a value for every member, because C89 and C++ compilers warn about a missing one.
    fn with_initialisers(section: &str) -> String {
        let part = |part: &str| match sized_struct(part) {
            Some((name, zeroes)) => format!(
                "{part}\n/**\n * Initializes a struct {name}: size is set, all other members are zero.\n */\n\
                 #define {}_INIT \\\n    {{ sizeof(struct {name}){zeroes} }}\n",
                name.to_uppercase()
            ),
            None => part.to_owned(),
        };
        section.split_inclusive("\n};\n").map(part).collect()
    }

    /// The name of the struct at the end of the text, if its first member is its size, and zeroes for the other
    /// members.
    fn sized_struct(text: &str) -> Option<(&str, String)> {
        let (_, last) = text.strip_suffix("\n};\n")?.rsplit_once("\nstruct ")?;
        let (name, body) = last.split_once(" {\n")?;
        let mut members = body
            .lines()
            .map(str::trim)
            .filter(|line| line.ends_with(';') && !line.starts_with(['*', '/']))
            .map(|line| line.trim_end_matches(';'));
        (members.next()? == "uint32_t size").then(|| (name, members.map(zero).collect()))
    }

    fn zero(member: &str) -> &'static str {
        match member {
            array if array.ends_with(']') => ", { 0 }",
            pointer if pointer.contains('*') => ", NULL",
            _ => ", 0",
        }
    }

    /// Writes the whole header. cbindgen's own `extern "C"` has comments that C89 does not allow.
    fn write_frame(mut config: Config, body: &str, destination: &Path) {
        let preface = config.after_includes.as_deref().expect("after_includes has the macros");
        config.after_includes = Some(format!(
            "{}\n#ifdef __cplusplus\nextern \"C\" {{\n#endif\n{body}\n#ifdef __cplusplus\n}}\n#endif",
            with_version(preface)
        ));
        Builder::new()
            .with_config(config)
            .generate()
            .expect("a frame without items")
            .write_to_file(destination);
    }

    fn with_version(text: &str) -> String {
        ["MAJOR", "MINOR", "PATCH"].iter().fold(
            text.replace("@VERSION@", &cargo("CARGO_PKG_VERSION")),
            |text, part| {
                text.replace(&format!("@{part}@"), &cargo(&format!("CARGO_PKG_VERSION_{part}")))
            },
        )
    }

    fn cargo(variable: &str) -> String {
        env::var(variable).unwrap_or_else(|_| panic!("cargo sets {variable}"))
    }
}
