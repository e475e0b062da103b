package useragent

// The lists of this file are of names that makers give to whole lines of Android devices, as patterns (newPatterns) for the model in
// lower case.
var (
	// phoneNames are phones whose names look like those of others.
	phoneNames = newPatterns(`^turbox ^runbo ^klipad ^techpad_@# ^coolpad coolpad ^padfone ^koridy ^gionee ^letv ^htv3# ^hitv300 ^stv100 ^positivo_twist ^positivo_q ^positivo_slim
		^positivo_mini ^w-k360 ^droidz ^joy_tv ^kazam_tv ^ms50 ^ms43 ^lenovo_k50 ^hp_slate_6 ^aquos_s ^sharp_aquos ^blade ^flare citi_6 ^nbx- ^sm-w2 ^q.
		^dialogq ^me371 ^psp7 ^ultra_latitude ^ccit_4 ^ccit_x ^9001 ^9008 ^alfa_1$ ^aries_785$ ^ax9 ^bv# ^clever_ ^dial ^drp29101$ ^fxt810r$ ^glx_taban$
		^gpad_u ^hmt390q$ ^iris# ^itruck_7_3g$ ^kem ^lenco_diverso-700$ ^linx ^lumus_ion$ ^m-mp7s ^m-p ^m190 ^m20## ^m405 ^m7_eea$ ^m7_po ^mc3 ^mismart_wink$
		^musicpad_m1$ ^n8# ^nt-3506m$ ^p60# ^p713$ ^panasonic_p ^phn110$ ^pole ^rg6 ^rg7 ^rg8## ^rmx ^samsung_sm-f ^sm-5 ^sm-t255s$ ^smart_prime_ ^sonyc
		^startr ^stk ^subor_k10plus$ ^superb_plus$ ^tecno_a ^tornado3g$ ^v2## ^vid ^yndx-000s ^zte_blade_a`)

	// tabletNames are tablets whose names look like those of others, most of them of makers that say "Mobile" as phones do.
	tabletNames = newPatterns(`^#dy ^1iy ^701 ^80##_ ^a811$ ^a8i ^ac1 ^acer_o ^active_1# ^agm3 ^aidata_elde_10_tablet$ ^alfa1 ^allviewax2frenzy$ ^allviewcityplus$
		^aquarius_cmp_ns208$ ^archos5$ ^ast2 ^ax#n ^azi ^b_bot_550$ ^bc9710am$ ^bleck$ ^bq-9 ^bto ^btv- ^btxs1$ ^bve-w10$ ^cat_nova$ ^catnova8$ ^cavion_base_7
		^cinematv_3g$ ^citi_o ^citi_z520_3g_cs5007pg$ ^compaq_7$ ^core-t ^coyote_1090_dvr_maximus_pro$ ^crony-7021$ ^deimos_7$ ^digma_d700$ ^dmo ^droidz_d
		^droidz_edge+$ ^droidz_portal$ ^dta-07idrf$ ^dunns_mobile_703gdc$ ^dw- ^e691x$ ^e731$ ^e912$ ^echo_lolly$ ^ek-t7020$ ^element_#v ^elite_o ^elite_t1#_
		^endeavou ^excer ^express3 ^f#a ^fast## ^fast7_ ^finepower_b ^flare_t ^g-padlite$ ^g1000 ^gemini_# ^geofox_mid_743+$ ^gk# ^gro ^gt100$ ^gta# ^gtvr
		^gu-6012b$ ^hello_7q$ ^hitv102c$ ^ht- ^ht0 ^huawei_m2 ^hwt# ^i-mobile_i-n ^i11 ^i213$ ^iconbit_matrix_ultra$ ^id_ ^ik- ^imo_z ^impulse_7.85_3g$
		^introtr3544$ ^iqm# ^irola_dx752$ ^it-k ^ivo ^jaguar-01$ ^k##u ^k007 ^k00c ^k00l ^k38$ ^k96 ^krj ^kt###p ^l-ite_402$ ^l3##i ^lark_e ^lenovo_a760 ^lgt
		^light_at200$ ^lm-0 ^lw7 ^m##_r ^m-mp9s4a3g$ ^m10l_ ^m6200$ ^m729$ ^m730w$ ^m7s ^m_bot_551$ ^m_bot_60$ ^maxtron_t1$ ^megafon_login_3$ ^mi7 ^micromax_p
		^micromaxp ^ml##- ^mobi_ ^mobo_mt7-421hd$ ^mvm ^mx### ^my_mobile_708$ ^myt3_dtv$ ^n01pro$ ^noa_m108k$ ^np0 ^o8hd$ ^ona ^one_touch_t ^ot# ^p380i$ ^p80_
		^pedi_plus_w$ ^pentagram_eon_prix$ ^pixus_d ^plt ^plum_z811$ ^positivo_y ^power_bot$ ^ps### ^ptb ^q###b ^q93s$ ^qc77qps$ ^quad-core_a ^reed
		^royole_flexpai_2$ ^rp- ^runbop2-en$ ^s180$ ^s27 ^s37 ^s7- ^samsung-sm-p ^samsung-sm-t ^sb5_hd$ ^sch-i800$ ^sh-t ^sm-n8000$ ^smailo_2go$ ^smartvie
		^st1## ^surfe ^swipe_s ^t####l ^t###_#g ^t708b$ ^t84 ^tac ^techno-i785ap$ ^tecno_d ^tecno_p9 ^tesla_t ^tfx ^tg15$ ^tla ^tm-7 ^tore ^tps-sc10$ ^tyd
		^v709x$ ^verykool_t7440$ ^verykoolt ^visionbook_p70_lte$ ^vivah ^x-tigi_j ^x1#m ^x10#$ ^x80_power(b2n4$ ^x98_air_ii(hg5n$ ^xyao-w00$ ^y88 ^z1_e ^zoom$
		^zte_t1 ^zyq-q88$`)

	// otherModels are watches, cars, glasses, cameras, terminals of shops and boards.
	otherModels = newPatterns(`^sm-r### ^samsung_sm-r### wear ^quest_2 ^quest_3 ^quest_pro ^pico_ ^aeo@@ ^glass ^ticwatch ^gear_ ^lem## ^ow19 ^yt#### 8227l carplay carpad audi_ benz
		byd_auto ^ek-g coolpix ^aftlb ^aftlf raspberry odroid orangepi tinker_board ^mc#### idata ^i62## ^m3s ^pn### nls- projector optoma ^mpc- ^xdh-
		^quad-core_ ^quadcore- ^octa-core ^tps ^smart_prime pine_a64 ^ifp# ^825x_pro$ ^atol_150f$ ^aura_telpad_mt7_tablet$ ^blm-00$ ^da2 ^dimagic_cube_dm011$
		^dmc-cm1$ ^eft ^f9212a$ ^ff-5000$ ^hy416$ ^kidphone4g$ ^ks1280x480$ ^leo- ^mac_audio_spro$ ^moto_360$ ^nbp-60$ ^nl5h00x$ ^opwwe231$ ^portalgo$
		^ptc760$ ^r2021w2$ ^samsung_ek-gn120$ ^t2s_lite$ ^teachtouch_table$ ^thor_pro$ ^thor_s$ ^v1s-g$ ^v2_pro-st$ ^vormor-x5-pro$ ^vr-1541f$ ^vrl42$ ^wt##m
		^x9_call2$ ^xd-sdd05-2101$ ^xgimi_tv$ ^xming_google_tv$ ^yandexstation_2$`)

	// consoleModels are consoles that run Android.
	consoleModels = newPatterns(`retroid ^rg### ^razer_edge ^shield$ gamepad ^jxd ^switch_oled ^switch_lite ^dexp_freya$ ^rgcube$`)

	// desktopModels are computers that run Android, or programs for it.
	desktopModels = newPatterns(`chromebook pixelbook inspiron latitude vostro ^aspire travelmate satellite elitebook ^hp_compaq ^hp_engage ^nuc# ^20jjs0cu1m$
		^aquarius_pro,_std,_elt_series$ ^easynote_tv11hc$ ^gp70_2od$ ^zc-339$`)

	// tvModels are televisions, boxes and sticks whether or not they say "Mobile".
	tvModels = newPatterns(`tdtv mitv gitv tvbox tv_box tv-box ~box~ tvbox~ smartbox~ mibox openbox nexbox vinabox abox~ ebox~ hibox ybox zbox stick dongle ^stb ~led## ~led-##
		eled- _led## -led## ~shell_ #uhd uhd_ uhd# ^aft@ ^bravia ^shield_android ^nexus_player ^chromecast ^adt-# ^ct-8### ^yndx-0 ^sei# ^dv6### ^dv8###
		^dv9### ^td##u ^td##h ^td##f ^tq##u ^tq##h movix streamer iptv ^ott_ dvb ^leap-s1 formuler ugoos zidoo vontar h96_ x96 a95x t95z km9pro atom-# sunwell
		globmall nexon_x hiremco kant-# freebox beyondtv ^matador ^as51# ^gtx- ^amigo7 ^sdstb ^sdott dreamstar ^m8s_pro ^black_x ^hph07 ^10moons_t2$ ^3188hd$
		^aft ^amaze_ax-50_advance$ ^and1e$ ^aosp_on_r33a0$ ^bb2_pro$ ^d214 ^digifors_400$ ^divisat_j-link$ ^dq08$ ^dscs9$ ^dvs_x3$ ^eagle_classic_pro$
		^evpad-5s$ ^gr32200$ ^gt-b9150$ ^hb-2000$ ^hst_260$ ^ipc002$ ^k##d ^kb2_pro$ ^kk_max$ ^km2 ^km5 ^mag# ^n5max_x4$ ^n5nova$ ^oppocnm632$ ^ozo ^pab4411$
		^pano ^perfeo_pf_a4552$ ^qg9$ ^qs0#$ ^r68_ii$ ^rst ^sbdv-00006$ ^sbx604$ ^sm-qled50t2su$ ^smart_starwind$ ^ster ^supermax_mx11_prime$ ^t40sled-a14$
		^tb-g01$ ^teli ^tf500$ ^topsion$ ^ut8$ ^v##tp ^whi ^winkbox_2$ ^x-media$ ^xs100mini$ ^yuno.pt430ct02.1.cv358h.t42$ ^zealot$`)

	// boxModels are more of them, where "Mobile" is not said: phones have such names too.
	boxModels = newPatterns(`box ^vmp# ^vmp- ^h-dmp ^b8## ^hp4#a m8s ^rk3 4k 8k x92 x88 x96 x98 h96 mxq mx9 t95 tx2~ tx3 tx5 tx6 tx9 hk1 ~km#$ ~km#_ gtking gt1 s905 s912 amlogic p281 p282 q200 q201 cvte mk80# mk90#
		beelink mecool me-cool tanix pendoo vorke mygica ozonehd selenga dune egreat rombica iconbit nexon invin minix neo-u# neo-x# neo-n# tvip tpm1# skyworth coocaa vestel changhong panasonic viera bouygtel technicolor
		sagemcom kaon sdmc xgimi jmgo transpeed xds## orbsmart draco vega_s9 dolamee yundoo evpad dangcap andowl toucan technosat droidlogic allwinner rtl8723 rk322 rk33 ^as# ^red_# ^red# ^gi_ ^ip-#0 ^nv### crd## ~uhd
		^tox# ^tle- perfeo ^netta ^abx- ^wud ^tr99 ^tb-po ^skystr ^s700 ^s800 ^s900 ^pipo_x ^nogapc ^lime ^ki_p ^kii ^k##dl gazal fundroid ^ec6108 a5x ^##tp ^##cv _max_box ^ki_p`)

	// tabletModels are tablets whether or not they say "Mobile".
	tabletModels = newPatterns(`tab pad~ ipad slate kids wifi wi-fi transformer playbook kindle nook pocketbook ^pixel_c nexus_7 nexus_9 nexus_10 ^sm-t### ^sm-p### ^sm-x### ^samsung_sm-t ^samsung_sm-p ^samsung_sm-x gt-p# gt-n5 gt-n8
		^n5100 ^n5110 ^n5120 ^sgp# ^sgpt ^kf@@$ ^kf@@@$ ^kf@@@@$ ^kf@@@@@$ ^lenovo_tb ^lenovo_yt ^lenovo_b6000 ^lenovo_b8000 ^tb- ^tb# ^yt- ^yt#- ^bzt ^bzk ^bzw ^bzi ^bzd ^bzc ^jdn ^kob ^cpn- ^btk- ^vrd- ^mon- ^jms- ^bgo- ^bg2- ^hdl-
		^dby ^brt- ^cmr- ^ags ^bah ^sht- ^scm- ^scmr- ^mrx ^wgr ^dbr- ^bach ^bth- ^spr- ^agr- ^agm- ^agrk- btv-w btv-d ^fdr- -w09 -w19 ^opd#### ^rct6 ^pmp# ^pmt# ^mid ^pmid ^bntv ^me###@$ ^me###$ ^tf### ^p0##$ ^mz6 ^lg-v#
		^bq-1### ^bq-7 ^bq-8### ^bqru-1 ^bqru-7 ^bqru-8 iplay optima_ plane_ citi_# _ps#### _ts#### _ns#### _tt#### archos_7 archos_8 archos_9 archos_1# yoga hudl xoom iconia venue ^tz## tpc dslide ezee readboy lenco contixo ursus
		woxter_tablet woxter_qx woxter_nimbus estar ^rmd- ^rmd_ momo# pixus_touch navitel irulu ^mito_t supra_m# ^zync freeme ^dell_streak ~7_3g ~8_3g ~9_3g ~10_3g 7-3g 8-3g 7.0_3g _73g ~m7_ ~m8_4g ^nt-# ^mfc- ^mfc_ ^mfc# ^rc0# ^rc1#
		^rc9# ^lc0 ^an#g ^an#@g ^an##g ^an##@g ^gem# ^gem-# ^teo ^ipa# ^nomi_c0 ^nomi_c1 ^ccit ^numy ^viva_7 ^viva_8 ^viva_9 ^viva_c ^viva_h ^viva_i ^viva_10 ^mt0 ^m10## ^alfa_# ^ap-# ^hope# ^wo_# ^b1-7 ^b3-a ^a1-# ^a3-# ^a1-a ^a3-a ^w3- ^w4-
		^m#-3g ^m#_3g ^m#-4g ^m#_4g andromeda eagle_### faust darwin# ^mc_ smart_w smart_l revision ver.# nabi ^boox ^poke# ^nokia_t1 ^nokia_t2 ^lm-t ^etl-t ^surface ^iball ^htc_a10# ^htc_flyer pluri_ ^tesla_tablet ^tesla_l7 ^tesla_gravity
		^ginzzu_gt ^mq### ^808#@ ^809#@ ^8084 ^900#@ ^901#@ ^902#@ ^903#@ ^904#@ ^906#@ ^908#@ ^91##@ ^92##@ ^tm-mid ^tm-7###$ ^tm-7##$ ^tm-9 ^tm-10 ^tf-mid ^tel-# ^tdt3 ^tdt4 ^t12# ^t20m ^qs07 ^qs97 ^po#### ^ple-70 ^pgps ^nxm# ^neon# ^mt7-
		^mt-t ^ml0 ^m8l ^m75 ^m76 ^m40 ^m-mp8 ^km0 ^kj_ ^kaicloud ^k87c ^jp5 ^jk70 ^iq180 ^informer ^idbot5 ^i216 ^hz0 ^hanson ^g1000$ ^g2000$ ^ex7s ^ex8s ^ex7x ^e1c ^e17 ^cw- ^ct7 ^ct9 ^c-72 biowol ^ax50 ^allview# ^1000##### ^z1000 ^z90
		^xr6 ^vt7 ^volta ^vm10 ^t81n ^superion ^spng ^sp70 ^smarty_ ^rt3_ ^rc7 ^p85 ^vi10 ^24###rp ^23###rp ^22###rp ^25###rp ^2#@##rp ^2####rp ^m2105 ^21051 ^2#0##rp`)

	// phoneModels are phones even where "Mobile" is not said.
	phoneModels = newPatterns(`^sm-a### ^sm-c### ^sm-e### ^sm-f### ^sm-g### ^sm-j### ^sm-m### ^sm-n### ^sm-s### ^sm-z### ^samsung_sm-a ^samsung_sm-g ^samsung_sm-j ^samsung_sm-n ^samsung-sm- ^cph## ^rmx## ^pc@@## ^pd@@## ^pe@@## ^pf@@## ^pg@@##
		^v1### ^v2### redmi ^xiaomi_1 ^vivo ^tecno infinix ^oneplus ^moto ^pixel_# -al# -an# -tn# -tl# -lx# -n## ^mi_# ^asus_t0 ^asus_z0 ^asus_x0 ^htc ^nokia ^lg-d ^lg-h ^lg-k ^lg-m ^lg-x ^lm- ^scg## ^shv- ^shw- ^sh- ^k012 ^k016 ^k019 ^k00`)
)
