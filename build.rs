//! Gives the plain cdylib its SONAME and, with the feature `header`, writes the headers anew.

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

    /// Where `make header` and `make lint` want netns.h written to; netns-iproute2.h goes beside it.
    const DESTINATION: &str = "NETNS_HEADER_OUT";

    /// In the order of the header.
    const SOURCES: &[&str] = &[
        "types",
        "lifecycle",
        "identity",
        "thread",
        "listing",
        "processes",
        "ids",
        "links",
        "link_list",
        "addresses",
        "routes",
        "monitor",
        "programs",
        "errors",
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
        generate("cbindgen.toml", SOURCES, destination);
        let beside = destination.with_file_name("netns-iproute2.h");
        generate("cbindgen-iproute2.toml", &["iproute2"], &beside);
    }

    fn generate(config: &str, sources: &[&str], destination: &Path) {
        let mut config = cbindgen::Config::from_file(config).expect(config);
        config.after_includes = config.after_includes.map(|text| with_version(&text));
        sources
            .iter()
            .fold(cbindgen::Builder::new(), |builder, name| {
                builder.with_src(format!("src/capi/{name}.rs"))
            })
            .with_config(config)
            .generate()
            .expect("src/capi holds what cbindgen can write as C")
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
